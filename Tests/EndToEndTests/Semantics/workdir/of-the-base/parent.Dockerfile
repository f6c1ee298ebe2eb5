FROM base
WORKDIR /opt
