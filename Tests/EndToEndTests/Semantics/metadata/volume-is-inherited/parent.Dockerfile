FROM base
VOLUME /a
