namespace Sendcat.AppHost;

/// <summary>
/// Outgoing mail, as parameters. In a local run a value can also come from the environment variable that the services read.
/// </summary>
internal static class Mail
{
    /// <summary>The base URL of the web app, which links in mails and shares begin with.</summary>
    public static (string Variable, IResourceBuilder<ParameterResource> Value) AddAppUrl(this IDistributedApplicationBuilder builder) => (
        "APP_URL",
        builder.AddSetting("app-url", builder.Of("APP_URL", ""), "Public address of the web app; empty: http://localhost:3000 in mails."));

    /// <summary>What authenticates the reports about sent mails. In a local run nothing reports any.</summary>
    public static (
        string Variable, IResourceBuilder<ParameterResource> Value) AddResendWebhook(this IDistributedApplicationBuilder builder) => (
        "RESEND_WEBHOOK_SECRET",
        builder.AddOptionalSecret(
            "resend-webhook-secret", "RESEND_WEBHOOK_SECRET",
            "Secret of the webhook at Resend, which reports bounces; empty: bounces stay unknown."));

    public static IResourceBuilder<ProjectResource> WithMail(this IResourceBuilder<ProjectResource> service)
    {
        var builder = service.ApplicationBuilder;
        return service.WithSettings(
        [
            (
                "EMAIL_FROM",
                builder.AddSetting(
                    "email-from", builder.Of("EMAIL_FROM", "Sendcat <no-reply@sendcat.app>"),
                    "Sender of all mails except the welcome mail.")),
            (
                "WELCOME_EMAIL_FROM",
                builder.AddSetting(
                    "welcome-email-from", builder.Of("WELCOME_EMAIL_FROM", "Sendcat <hi@sendcat.app>"), "Sender of the welcome mail.")),
            (
                "DELIVERY_LANE_RUNMAX",
                builder.AddSetting(
                    "delivery-lane-runmax", builder.Of("DELIVERY_LANE_RUNMAX", "2"),
                    "Mails that are sent at the same time, over all workers.")),
        ]);
    }
}
