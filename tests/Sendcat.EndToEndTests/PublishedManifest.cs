using System.Text.Json.Nodes;
using Sendcat.TestKit.Processes;

namespace Sendcat.EndToEndTests;

/// <summary>
/// The manifest that the built AppHost publishes. The shell has set environment variables whose values must not enter a deployment.
/// </summary>
public sealed class PublishedManifest : IAsyncLifetime
{
    public const string Leak = "value-of-the-shell";

    private static readonly string[] ShellVariables =
    [
        "OPENROUTER_API_KEY", "SERPER_API_KEY", "SERPAPI_API_KEY", "EBAY_CLIENT_ID", "EBAY_CLIENT_SECRET", "GOOGLE_CLIENT_ID",
        "GOOGLE_CLIENT_SECRET", "RESEND_API_KEY", "APP_URL", "EMAIL_FROM", "EPN_CAMPID", "EPN_CUSTOMID_SALT",
        "SENTRY_DSN", "OPS_API_KEY", "OPS_VIEWER_KEY", "AUTH_SIGNING_KEY", "CONSOLE_COOKIE_KEY",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "Parameters__serper_api_key", "Parameters__ops_api_key",
        "Parameters__redis_password", "ENCRYPTION_KEY", "Parameters__encryption_key",
        "ConnectionStrings__redis", "ConnectionStrings__sendcatdb", "ConnectionStrings__messaging",
    ];

    // The file is in the build output, so that the relative paths of the projects are the same in every checkout.
    private static readonly string File = Path.Combine(AppContext.BaseDirectory, "published", "aspire-manifest.json");

    public string Text { get; private set; } = "";

    public JsonObject Resources { get; private set; } = [];

    public async ValueTask InitializeAsync()
    {
        var publish = AppHostProgram.With("--operation", "publish", "--publisher", "manifest", "--output-path", File);
        var shell = ShellVariables.Select(name => KeyValuePair.Create(name, (string?)Leak));
        await TestProcess.RunAsync(publish with { Environment = new Dictionary<string, string?>(publish.Environment.Concat(shell)) });

        Text = await System.IO.File.ReadAllTextAsync(File);
        Resources = JsonNode.Parse(Text)!["resources"]!.AsObject();
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
