FROM base
ONBUILD LABEL parents=now
