FROM base
ONBUILD RUN true
ONBUILD LABEL triggered=yes
