namespace Sendcat.AppHost;

/// <summary>Where the Monitor sends its alerts.</summary>
internal static class Alerts
{
    public static IEnumerable<(string Variable, IResourceBuilder<ParameterResource> Value)> AddAlertReceivers(
        this IDistributedApplicationBuilder builder) =>
    [
        builder.Secret(
            "RATE_LIMIT_SENTRY_DSN", "rate-limit-sentry-dsn", "Sentry DSN for alerts about limits; empty: sentry-dsn."),
        builder.Secret(
            "TOOL_QUEUE_SENTRY_DSN", "tool-queue-sentry-dsn", "Sentry DSN for alerts about the tool queue; empty: sentry-dsn."),
        builder.Secret("ALERT_WEBHOOK_URL", "alert-webhook-url", "Address to which alerts are posted; empty: none."),
        builder.Secret(
            "ALERT_WEBHOOK_SECRET", "alert-webhook-secret", "Secret that signs posted alerts: whsec_ and base64; empty: not signed."),
    ];

    private static (string Variable, IResourceBuilder<ParameterResource> Value) Secret(
        this IDistributedApplicationBuilder builder, string variable, string name, string description) =>
        (variable, builder.AddOptionalSecret(name, variable, description));
}
