d/.wh.f
