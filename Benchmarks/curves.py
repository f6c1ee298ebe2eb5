def measure(*a): return {}
def draw(*a): return ""
