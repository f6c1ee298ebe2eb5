FROM scratch
ONBUILD COPY --from=c /f /g
