FROM base
ONBUILD RUN echo one >>/order
ONBUILD RUN echo two >>/order
