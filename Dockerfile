# syntax=docker/dockerfile:1

# Builds dist/prox.mjs, one file that holds everything but Node.
FROM node:24-slim AS build
WORKDIR /src
# The manifest first: dependencies are installed anew only when it changes.
COPY package.json package-lock.json tsconfig.json .npmrc ./
# Without the scripts: `prepare` would build, and what it builds from comes below.
RUN npm ci --ignore-scripts
COPY scripts/ scripts/
COPY cmd/ cmd/
COPY internal/ internal/
RUN npm run build

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /src/dist/ dist/
COPY scripts/healthcheck.mjs LICENSE ./
# The example, so that the image answers as it is. Mount your own folder over it.
COPY config/ /etc/prox/config/

# The unprivileged user of the base image, `node`; by number, so that Kubernetes can tell that it is not root.
USER 1000:1000
EXPOSE 8080
STOPSIGNAL SIGTERM

# Asks port 8080 of the container; set PROX_HEALTH_PORT where the config listens elsewhere.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 CMD ["node", "/app/healthcheck.mjs"]

ENTRYPOINT ["node", "/app/dist/prox.mjs"]
CMD ["serve", "-config", "/etc/prox/config/prox.json5"]
