using Sendcat.AppHost;

var builder = DistributedApplication.CreateBuilder(args);
using var run = builder.ExecutionContext.IsRunMode ? await LocalRun.BeginAsync(builder) : null;
if (run?.Refusal is { } refusal)
{
    Console.Error.WriteLine(refusal);
    return 2;
}

var ports = run?.Ports;

// Parameters that an operator may set; azd asks for them at deployment.
(string Variable, IResourceBuilder<ParameterResource> Value)[] settings =
[
    ("RELIABILITY_REGION_ID",
        builder.AddSetting("region-id", builder.Of("RELIABILITY_REGION_ID", "us-east-1"), "Region in which this deployment runs.")),
    ("RELIABILITY_TOPOLOGY_MODE",
        builder.AddSetting(
            "topology-mode", builder.Of("RELIABILITY_TOPOLOGY_MODE", "single_region"), "single_region, active_standby or active_active.")),
    ("RELIABILITY_REGION_READINESS_ONLY",
        builder.AddSetting(
            "region-readiness-only", builder.Of("RELIABILITY_REGION_READINESS_ONLY", "true"),
            "Report the readiness of regions, but do not use it to route traffic.")),
    ("SENDCAT_ROLLOUT_STAGE",
        builder.AddSetting(
            "rollout-stage", builder.Of("SENDCAT_ROLLOUT_STAGE", "dev-enforce"),
            "dev-shadow, dev-enforce, canary or production: preset of the feature flags.")),
    ("SENDCAT_CAPACITY_TIER",
        builder.AddSetting("capacity-tier", builder.Of("SENDCAT_CAPACITY_TIER", "default"), "default, L, G or X: preset of the caps.")),
    ("SENTRY_DSN",
        builder.AddOptionalSecret("sentry-dsn", "SENTRY_DSN", "Sentry DSN for crash reports and alerts; empty: crash reports are off.")),
];
var allowedOrigins = builder.AddSetting(
    "allowed-origins", builder.Of("ALLOWED_ORIGINS", ""),
    "Comma-separated origins from which browsers may call; empty: the local defaults.");
var trustedProxies = builder.AddSetting(
    "trusted-proxies", builder.Of("TRUSTED_PROXIES", ""),
    "Comma-separated addresses or ranges of the proxies in front of the API whose X-Forwarded-For header is trusted; empty: none.");
var publicUrl = builder.AddSetting(
    "api-public-url", builder.Of("API_PUBLIC_URL", ""),
    "Base URL of the API as browsers reach it, to which Google redirects them; empty: the address of a local run, else none.");
var confirmedDomains = builder.AddSetting(
    "confirmed-domains", builder.Of("AUTH_CONFIRMED_DOMAINS", ""),
    "Comma-separated mail domains whose addresses count as confirmed at registration, for drills.");
var apiReplicas = builder.AddSetting("api-replicas", "1", "Number of API processes in a local run; in a deployment the platform scales.");
var workerReplicas = builder.AddSetting(
    "worker-replicas", "1", "Number of tool workers in a local run; in a deployment the platform scales.");
var monitorReplicas = builder.AddSetting(
    "monitor-replicas", "1", "Number of Monitors in a local run, of which one judges alerts; in a deployment the platform scales.");
var opsKey = builder.AddGeneratedSecret("ops-api-key", "OPS_API_KEY", 32, "Operator key for /api/ops.");
var viewerKey = builder.AddGeneratedSecret(
    "ops-viewer-key", "OPS_VIEWER_KEY", 32, "Viewer key for /api/ops: read-only, used by the Monitor.");
var signingKey = builder.AddGeneratedSecret(
    "auth-signing-key", "AUTH_SIGNING_KEY", 48, "Signs bearer tokens and guest sessions; a new key signs all users out.");
var cookieKey = builder.AddGeneratedSecret(
    "console-cookie-key", "CONSOLE_COOKIE_KEY", 48, "Encrypts the sign-in cookies of the operator console; a new key signs its users out.");
var keys = builder.AddProviderKeys();
var appUrl = builder.AddAppUrl();
var gmail = builder.AddGmail();
var emulated = ports is not null && builder.WantsEmulator(keys);
var pubSub = builder.AddPubSub(emulated && !keys.Google.Usable);
var resendWebhook = builder.AddResendWebhook();

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
    .WithSettings(keys.Google.Secrets)
    .WithSettings(keys.WhatsApp.Secrets)
    .WithSettings([resendWebhook])
    .WithWhatsAppNumber()
    .WithSettings(builder.AddAffiliate())
    .WithSettings(builder.AddSpending())
    .WithFiles()
    .WithSettings(gmail)
    .WithSettings(pubSub)
    .WithGmailPush()
    .WithSettings([appUrl])
    .WithEnvironment("ALLOWED_ORIGINS", allowedOrigins)
    .WithEnvironment("TRUSTED_PROXIES", trustedProxies)
    .WithEnvironment("API_PUBLIC_URL", publicUrl)
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
    .WithDescription(
        "Runs the searches that chat turns request, sends mails, reads mailboxes and messages, and runs scheduled jobs; serves only "
        + "health endpoints.")
    .WithHttpEndpoint(port: ports?.Worker)
    .WithHttpHealthCheck("/health")
    .WithReplicas(workerReplicas.AsNumber())
    .WithRunEnvironment()
    .WithStores(stores)
    .WithSettings(settings)
    .WithSettings(keys.Searches.Secrets)
    .WithSettings(keys.Ebay.Secrets)
    .WithSettings(keys.Mail.Secrets)
    .WithSettings(keys.Models.Secrets)
    .WithSettings(keys.Google.Secrets)
    .WithSettings(gmail)
    .WithSettings([pubSub[0]])
    .WithMailSync()
    .WithSettings(keys.Graph.Secrets)
    .WithWhatsAppNumber()
    .WithWhatsAppReplies()
    .WithSettings([appUrl])
    .WithMail()
    .WithEnvironment("AUTH_SIGNING_KEY", signingKey)
    .WithCapturedMessageContent()
    .WithShortDrain("TOOL_WORKER_DRAIN_MS")
    .WithPage("Health", "/health")
    .WithRestartOnExit()
    .WaitFor(api); // the API applies the database migrations

builder.AddProject<Projects.Sendcat_Monitor>("monitor")
    .WithDescription(
        "The operator console, where operators and viewers sign in with their keys, and the alerts. Not reachable from outside.")
    .WithHttpEndpoint(port: ports?.Monitor)
    .WithHttpHealthCheck("/alive")
    .WithReplicas(monitorReplicas.AsNumber())
    .WithRunEnvironment()
    .WithReference(api)
    .WithReference(stores.Database)
    .WithSettings([settings[^1], .. builder.AddAlertReceivers()])
    .WithEnvironment("OPS_VIEWER_KEY", viewerKey)
    .WithEnvironment("CONSOLE_COOKIE_KEY", cookieKey)
    .WithPage("Operator console", "/")
    .WithRestartOnExit()
    .WaitFor(api);

if (ports is not null && emulated)
{
    var upstreams = builder.AddProject<Projects.Sendcat_UpstreamEmulator>("upstreams")
        .WithDescription("Emulates the providers that have no key: models, searches, eBay, Google, mail, WhatsApp.")
        .WithRunEnvironment()
        .WithHttpEndpoint(port: ports.Upstreams, name: "http", env: "EMULATOR_URL_H1", isProxied: false)
        .WithHttpEndpoint(port: ports.UpstreamsHttp2, name: "h2c", env: "EMULATOR_URL_H2C", isProxied: false)
        .WithHttpHealthCheck("/health", endpointName: "http")
        .WithPage("Emulator manual", "/", ("Mails", "/mail"))
        .WithPushesTo(api)
        .WithEnvironment("EMULATOR_WHATSAPP_WEBHOOK_URL", ports.UrlOfApi("/api/whatsapp/webhook"))
        .WithRestartOnExit()
        .ExcludeFromManifest();

    api.WithModelsOf(upstreams, keys).WithEbayOf(upstreams, keys).WithGoogleOf(upstreams, keys).WithWhatsAppOf(keys);
    worker.WithSearchesOf(upstreams, keys).WithEbayOf(upstreams, keys).WithMailOf(upstreams, keys).WithModelsOf(upstreams, keys)
        .WithGoogleOf(upstreams, keys).WithGraphOf(upstreams, keys);
    keys.PrintEmulatedProviders();
}

builder.WriteKeyFile("ops-api-key", opsKey);
builder.WriteKeyFile("ops-viewer-key", viewerKey);
await builder.Build().RunAsync();
return 0;
