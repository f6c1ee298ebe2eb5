FROM base
ENV WHEN=parent
ONBUILD ENV WHEN=trigger
ONBUILD COPY file /copied
