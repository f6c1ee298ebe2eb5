FROM base
ONBUILD COPY missing /there
