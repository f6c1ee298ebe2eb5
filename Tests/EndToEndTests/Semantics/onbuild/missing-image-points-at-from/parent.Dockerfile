FROM base
ONBUILD COPY --from=nowhere-to-be-found /a /b
