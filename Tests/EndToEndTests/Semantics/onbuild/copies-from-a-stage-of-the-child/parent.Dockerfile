FROM base
ONBUILD COPY --from=build /made /taken
