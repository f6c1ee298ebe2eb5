FROM scratch
ENV PATH=/only A=b
