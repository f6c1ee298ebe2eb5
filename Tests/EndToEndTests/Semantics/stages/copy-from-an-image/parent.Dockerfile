FROM base
RUN echo of the parent >/file
