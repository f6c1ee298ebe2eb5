FROM base
HEALTHCHECK --interval=5s CMD check
