using Sendcat.AppHost;

var builder = DistributedApplication.CreateBuilder(args);
var ports = new LocalPorts(builder);

// What an operator may set, and what azd asks for.
(string Variable, IResourceBuilder<ParameterResource> Value)[] settings =
[
    ("RELIABILITY_REGION_ID", builder.AddSetting("region-id", "us-east-1", "Where this deployment runs.")),
    ("RELIABILITY_TOPOLOGY_MODE", builder.AddSetting("topology-mode", "single_region", "single_region, active_standby or active_active.")),
    ("RELIABILITY_REGION_READINESS_ONLY", builder.AddSetting("region-readiness-only", "true", "Report the readiness of regions, but route nothing by it.")),
    ("SENDCAT_ROLLOUT_STAGE", builder.AddSetting("rollout-stage", "dev-enforce", "dev-shadow, dev-enforce, canary or production: a preset of the feature flags.")),
    ("SENDCAT_CAPACITY_TIER", builder.AddSetting("capacity-tier", "default", "default, L, G or X: a preset of the caps.")),
    ("SENTRY_DSN", builder.AddOptionalSecret("sentry-dsn", "SENTRY_DSN")),
];
var allowedOrigins = builder.AddSetting("allowed-origins", "", "Comma-separated origins that browsers may call from; empty: the local defaults.");
var trustedProxies = builder.AddSetting("trusted-proxies", "", "Comma-separated addresses or ranges of the proxies in front of the API, whose X-Forwarded-For is believed; empty: nobody's.");
var apiReplicas = builder.AddSetting("api-replicas", "1", "How many API processes a local run starts; deployed, the platform scales.");
var workerReplicas = builder.AddSetting("worker-replicas", "1", "How many tool workers a local run starts; deployed, the platform scales.");
var opsKey = builder.AddParameter("ops-api-key", new GenerateParameterDefault { MinLength = 32, Special = false }, secret: true, persist: true);
var signingKey = builder.AddParameter("auth-signing-key", new GenerateParameterDefault { MinLength = 48, Special = false }, secret: true, persist: true);
var keys = builder.AddProviderKeys();

var stores = builder.AddStores(ports);

var api = builder.AddProject<Projects.Sendcat_ApiService>("api")
    .WithHttpEndpoint(port: ports.Api)
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health")
    .WithReplicas(apiReplicas.AsNumber())
    .WithStores(stores)
    .WithSettings(settings)
    .WithSettings(keys.Models.Secrets)
    .WithSettings(keys.Ebay.Secrets)
    .WithSettings(builder.AddAffiliate())
    .WithEnvironment("ALLOWED_ORIGINS", allowedOrigins)
    .WithEnvironment("TRUSTED_PROXIES", trustedProxies)
    .WithEnvironment("OPS_API_KEY", opsKey)
    .WithEnvironment("AUTH_SIGNING_KEY", signingKey)
    .WithUrlForEndpoint("http", url => url.DisplayText = "Chat API")
    .WithOperatorCommand("Admission: enforce", "/api/ops/admission/enforce", opsKey)
    .WithOperatorCommand("Admission: shadow", "/api/ops/admission/shadow", opsKey)
    .WithOperatorCommand("Tool cache: clear", "/api/ops/tool-cache/clear", opsKey);

var worker = builder.AddProject<Projects.Sendcat_ToolWorker>("tool-worker")
    .WithHttpEndpoint(port: ports.Worker)
    .WithHttpHealthCheck("/health")
    .WithReplicas(workerReplicas.AsNumber())
    .WithStores(stores)
    .WithSettings(settings)
    .WithSettings(keys.Searches.Secrets)
    .WithSettings(keys.Ebay.Secrets)
    .WithUrlForEndpoint("http", url => url.DisplayText = "Health")
    .WaitFor(api); // it brings the schema up to date

builder.AddProject<Projects.Sendcat_Monitor>("monitor")
    .WithHttpEndpoint(port: ports.Monitor)
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/alive")
    .WithReference(api)
    .WithEnvironment("OPS_API_KEY", opsKey)
    .WithUrlForEndpoint("http", url => url.DisplayText = "Operator console")
    .WaitFor(api);

if (builder.WantsEmulator(keys))
{
    var upstreams = builder.AddProject<Projects.Sendcat_UpstreamEmulator>("upstreams")
        .WithHttpEndpoint(port: ports.Upstreams, name: "http", env: "EMULATOR_URL_H1", isProxied: false)
        .WithHttpEndpoint(port: ports.UpstreamsHttp2, name: "h2c", env: "EMULATOR_URL_H2C", isProxied: false)
        .WithHttpHealthCheck("/health", endpointName: "http")
        .ExcludeFromManifest();

    api.WithModelsOf(upstreams, keys).WithEbayOf(upstreams, keys);
    worker.WithSearchesOf(upstreams, keys).WithEbayOf(upstreams, keys);
    keys.SayWhatIsEmulated();
}

builder.KeepForOperator("ops-api-key", opsKey);

if (ports.Conflicts is [_, ..])
{
    ports.Explain(Console.Error);
    return 2;
}

await builder.Build().RunAsync();
return 0;
