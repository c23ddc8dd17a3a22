using Sendcat.AppHost;

var builder = DistributedApplication.CreateBuilder(args);
using var run = builder.ExecutionContext.IsRunMode ? await LocalRun.BeginAsync(builder) : null;
if (run?.Refusal is { } refusal)
{
    Console.Error.WriteLine(refusal);
    return 2;
}

var ports = run?.Ports;

// What an operator may set, and what azd asks for.
(string Variable, IResourceBuilder<ParameterResource> Value)[] settings =
[
    ("RELIABILITY_REGION_ID", builder.AddSetting("region-id", "us-east-1", "Where this deployment runs.")),
    ("RELIABILITY_TOPOLOGY_MODE", builder.AddSetting("topology-mode", "single_region", "single_region, active_standby or active_active.")),
    ("RELIABILITY_REGION_READINESS_ONLY", builder.AddSetting("region-readiness-only", "true", "Report the readiness of regions, but route nothing by it.")),
    ("SENDCAT_ROLLOUT_STAGE", builder.AddSetting("rollout-stage", "dev-enforce", "dev-shadow, dev-enforce, canary or production: a preset of the feature flags.")),
    ("SENDCAT_CAPACITY_TIER", builder.AddSetting("capacity-tier", "default", "default, L, G or X: a preset of the caps.")),
    ("SENTRY_DSN", builder.AddOptionalSecret("sentry-dsn", "SENTRY_DSN", "Where crash reports go; empty: nowhere.")),
];
var allowedOrigins = builder.AddSetting("allowed-origins", "", "Comma-separated origins that browsers may call from; empty: the local defaults.");
var trustedProxies = builder.AddSetting("trusted-proxies", "", "Comma-separated addresses or ranges of the proxies in front of the API, whose X-Forwarded-For is believed; empty: nobody's.");
var confirmedDomains = builder.AddSetting("confirmed-domains", "", "Comma-separated mail domains whose addresses count as confirmed when they register, for drills.");
var apiReplicas = builder.AddSetting("api-replicas", "1", "How many API processes a local run starts; deployed, the platform scales.");
var workerReplicas = builder.AddSetting("worker-replicas", "1", "How many tool workers a local run starts; deployed, the platform scales.");
var opsKey = builder.AddGeneratedSecret("ops-api-key", 32, "The key of operators, for /api/ops.");
var viewerKey = builder.AddGeneratedSecret("ops-viewer-key", 32, "The key of those who only look at /api/ops, such as the Monitor.");
var signingKey = builder.AddGeneratedSecret("auth-signing-key", 48, "Signs bearer tokens and guest sessions; a new one signs everybody out.");
var keys = builder.AddProviderKeys();

var stores = builder.AddStores(ports);

var api = builder.AddProject<Projects.Sendcat_ApiService>("api")
    .WithDescription("Chat, threads, identity, shopping and /api/ops; all replicas behind one address.")
    .WithHttpEndpoint(port: ports?.Api)
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health")
    .WithReplicas(apiReplicas.AsNumber())
    .WithRunEnvironment()
    .WithStores(stores)
    .WithSettings(settings)
    .WithSettings(keys.Models.Secrets)
    .WithSettings(keys.Ebay.Secrets)
    .WithSettings(builder.AddAffiliate())
    .WithSettings(builder.AddSpending())
    .WithEnvironment("ALLOWED_ORIGINS", allowedOrigins)
    .WithEnvironment("TRUSTED_PROXIES", trustedProxies)
    .WithEnvironment("AUTH_CONFIRMED_DOMAINS", confirmedDomains)
    .WithEnvironment("OPS_API_KEY", opsKey)
    .WithEnvironment("OPS_VIEWER_KEY", viewerKey)
    .WithEnvironment("AUTH_SIGNING_KEY", signingKey)
    .WithCapturedMessageContent()
    .WithShortDrain("CHAT_DRAIN_MS")
    .WithPage("API reference", "/scalar")
    .WithOperatorCommands(opsKey)
    .WithRestartOnExit();

var worker = builder.AddProject<Projects.Sendcat_ToolWorker>("tool-worker")
    .WithDescription("Runs the searches that chats ask for; serves nothing but its health.")
    .WithHttpEndpoint(port: ports?.Worker)
    .WithHttpHealthCheck("/health")
    .WithReplicas(workerReplicas.AsNumber())
    .WithRunEnvironment()
    .WithStores(stores)
    .WithSettings(settings)
    .WithSettings(keys.Searches.Secrets)
    .WithSettings(keys.Ebay.Secrets)
    .WithCapturedMessageContent()
    .WithShortDrain("TOOL_WORKER_DRAIN_MS")
    .WithPage("Health", "/health")
    .WithRestartOnExit()
    .WaitFor(api); // it brings the schema up to date

builder.AddProject<Projects.Sendcat_Monitor>("monitor")
    .WithDescription("The operator console. It has no sign-in, so nobody outside reaches it.")
    .WithHttpEndpoint(port: ports?.Monitor)
    .WithHttpHealthCheck("/alive")
    .WithRunEnvironment()
    .WithReference(api)
    .WithEnvironment("OPS_VIEWER_KEY", viewerKey)
    .WithPage("Operator console", "/")
    .WithRestartOnExit()
    .WaitFor(api);

if (ports is not null && builder.WantsEmulator(keys))
{
    var upstreams = builder.AddProject<Projects.Sendcat_UpstreamEmulator>("upstreams")
        .WithDescription("Stands in for the providers that have no key: models, searches, eBay.")
        .WithHttpEndpoint(port: ports.Upstreams, name: "http", env: "EMULATOR_URL_H1", isProxied: false)
        .WithHttpEndpoint(port: ports.UpstreamsHttp2, name: "h2c", env: "EMULATOR_URL_H2C", isProxied: false)
        .WithHttpHealthCheck("/health", endpointName: "http")
        .WithPage("Emulator manual", "/")
        .WithRestartOnExit()
        .ExcludeFromManifest();

    api.WithModelsOf(upstreams, keys).WithEbayOf(upstreams, keys);
    worker.WithSearchesOf(upstreams, keys).WithEbayOf(upstreams, keys);
    keys.SayWhatIsEmulated();
}

builder.KeepForOperator("ops-api-key", opsKey);
builder.KeepForOperator("ops-viewer-key", viewerKey);
await builder.Build().RunAsync();
return 0;
