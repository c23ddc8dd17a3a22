using Sendcat.AppHost;

var builder = DistributedApplication.CreateBuilder(args);
var ports = new LocalPorts(builder);

// What an operator may set, and what azd asks for.
var region = builder.AddSetting("region-id", "us-east-1", "Where this deployment runs.");
var topology = builder.AddSetting("topology-mode", "single_region", "single_region, active_standby or active_active.");
var readinessOnly = builder.AddSetting("region-readiness-only", "true", "Report the readiness of regions, but route nothing by it.");
var rolloutStage = builder.AddSetting("rollout-stage", "dev-enforce", "dev-shadow, dev-enforce, canary or production: a preset of the feature flags.");
var capacityTier = builder.AddSetting("capacity-tier", "default", "default, L, G or X: a preset of the caps.");
var allowedOrigins = builder.AddSetting("allowed-origins", "", "Comma-separated origins that browsers may call from; empty: the local defaults.");
var apiReplicas = builder.AddSetting("api-replicas", "1", "How many API processes a local run starts; deployed, the platform scales.");
var opsKey = builder.AddParameter("ops-api-key", new GenerateParameterDefault { MinLength = 32, Special = false }, secret: true, persist: true);
var signingKey = builder.AddParameter("auth-signing-key", new GenerateParameterDefault { MinLength = 48, Special = false }, secret: true, persist: true);
var sentryDsn = builder.AddOptionalSecret("sentry-dsn", "SENTRY_DSN");
var providerKeys = builder.AddProviderKeys();

var stores = builder.AddStores(ports);

var api = builder.AddProject<Projects.Sendcat_ApiService>("api")
    .WithHttpEndpoint(port: ports.Api)
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health")
    .WithReplicas(apiReplicas.AsNumber())
    .WithStores(stores)
    .WithProviderKeys(providerKeys)
    .WithEnvironment("RELIABILITY_REGION_ID", region)
    .WithEnvironment("RELIABILITY_TOPOLOGY_MODE", topology)
    .WithEnvironment("RELIABILITY_REGION_READINESS_ONLY", readinessOnly)
    .WithEnvironment("SENDCAT_ROLLOUT_STAGE", rolloutStage)
    .WithEnvironment("SENDCAT_CAPACITY_TIER", capacityTier)
    .WithEnvironment("ALLOWED_ORIGINS", allowedOrigins)
    .WithEnvironment("OPS_API_KEY", opsKey)
    .WithEnvironment("AUTH_SIGNING_KEY", signingKey)
    .WithEnvironment("SENTRY_DSN", sentryDsn)
    .WithUrlForEndpoint("http", url => url.DisplayText = "Chat API")
    .WithOperatorCommand("Admission: enforce", "/api/ops/admission/enforce", opsKey)
    .WithOperatorCommand("Admission: shadow", "/api/ops/admission/shadow", opsKey);

builder.AddProject<Projects.Sendcat_Monitor>("monitor")
    .WithHttpEndpoint(port: ports.Monitor)
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/alive")
    .WithReference(api)
    .WithEnvironment("OPS_API_KEY", opsKey)
    .WithUrlForEndpoint("http", url => url.DisplayText = "Operator console")
    .WaitFor(api);

if (builder.WantsEmulator(providerKeys))
{
    var upstreams = builder.AddProject<Projects.Sendcat_UpstreamEmulator>("upstreams")
        .WithHttpEndpoint(port: ports.Upstreams, name: "http", env: "EMULATOR_URL_H1", isProxied: false)
        .WithHttpEndpoint(port: ports.UpstreamsHttp2, name: "h2c", env: "EMULATOR_URL_H2C", isProxied: false)
        .WithHttpHealthCheck("/health", endpointName: "http")
        .ExcludeFromManifest();

    api.WithModelsOf(upstreams);
}

builder.KeepForOperator("ops-api-key", opsKey);

if (ports.Conflicts is [_, ..])
{
    ports.Explain(Console.Error);
    return 2;
}

await builder.Build().RunAsync();
return 0;
