FROM base
ONBUILD RUN --mount=from=made,source=/file,target=/m cat /m >/result
