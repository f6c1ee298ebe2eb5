FROM base
WORKDIR /gone
RUN cd / && rmdir /gone
