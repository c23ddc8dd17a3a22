namespace Sendcat.AppHost;

/// <summary>
/// Connected mailboxes, as parameters. In a local run a value can also come from the environment variable that the services read.
/// </summary>
internal static class Gmail
{
    /// <summary>What the API and the worker need to read mailboxes.</summary>
    public static IReadOnlyList<(
        string Variable, IResourceBuilder<ParameterResource> Value)> AddGmail(this IDistributedApplicationBuilder builder) =>
    [
        (
            "ENCRYPTION_KEY",
            builder.AddGeneratedKey(
                "encryption-key", "ENCRYPTION_KEY", "Encrypts the tokens of connected mailboxes: 64 hexadecimal digits.")),
        (
            "ENCRYPTION_KEYS_PREVIOUS",
            builder.AddOptionalSecret(
                "encryption-keys-previous", "ENCRYPTION_KEYS_PREVIOUS", "Earlier encryption keys, comma-separated, to read only.")),
        (
            "GMAIL_OAUTH_CLIENT_ID",
            builder.AddOptionalSecret(
                "gmail-oauth-client-id", "GMAIL_OAUTH_CLIENT_ID",
                "Client id for connecting Gmail; empty: that of the Google application.")),
        (
            "GMAIL_OAUTH_CLIENT_SECRET",
            builder.AddOptionalSecret("gmail-oauth-client-secret", "GMAIL_OAUTH_CLIENT_SECRET", "Client secret for connecting Gmail.")),
    ];

    /// <summary>How Gmail notifies the API.</summary>
    public static IResourceBuilder<ProjectResource> WithGmailPush(this IResourceBuilder<ProjectResource> api)
    {
        var builder = api.ApplicationBuilder;
        return api.WithSettings(
        [
            (
                "GMAIL_PUSHAUTH_MODE",
                builder.AddSetting(
                    "gmail-pushauth-mode", builder.Of("GMAIL_PUSHAUTH_MODE", "oidc"),
                    "oidc, token or either: what a notification of Gmail must have.")),
            (
                "GMAIL_PUBSUB_VERIFY_TOKEN",
                builder.AddOptionalSecret(
                    "gmail-pubsub-verify-token", "GMAIL_PUBSUB_VERIFY_TOKEN", "Shared secret of notifications of Gmail.")),
        ]);
    }

    /// <summary>How many mailboxes the worker reads at the same time.</summary>
    public static IResourceBuilder<ProjectResource> WithMailSync(this IResourceBuilder<ProjectResource> worker) => worker.WithSettings(
    [
        ("MAIL_LANE_RUNMAX", worker.ApplicationBuilder.AddSetting(
            "mail-lane-runmax", worker.ApplicationBuilder.Of("MAIL_LANE_RUNMAX", "2"),
            "Mailboxes that are read at the same time, over all workers.")),
    ]);

    /// <summary>
    /// The Pub/Sub topic and subscription: those of the emulator when it emulates Google, else as parameters.
    /// </summary>
    /// <param name="builder">The application.</param>
    /// <param name="emulated">Whether the emulator pushes the notifications.</param>
    public static IReadOnlyList<(
        string Variable, IResourceBuilder<ParameterResource> Value)> AddPubSub(this IDistributedApplicationBuilder builder,
        bool emulated) =>
    [
        ("GMAIL_PUBSUB_TOPIC", builder.AddSetting(
            "gmail-pubsub-topic", builder.Of("GMAIL_PUBSUB_TOPIC", emulated ? "projects/emulator/topics/gmail" : ""),
            "Pub/Sub topic of Gmail; empty: mailboxes are not watched.")),
        ("GMAIL_PUSH_AUDIENCE", builder.AddSetting(
            "gmail-push-audience", builder.Of("GMAIL_PUSH_AUDIENCE", emulated ? "sendcat-local" : ""),
            "Audience of the push subscription; empty: the address of /api/gmail/push.")),
        ("GMAIL_PUSH_SERVICE_ACCOUNT", builder.AddSetting(
            "gmail-push-service-account",
            builder.Of("GMAIL_PUSH_SERVICE_ACCOUNT", emulated ? "gmail-push@emulator.iam.gserviceaccount.com" : ""),
            "Service account of the push subscription.")),
    ];

    /// <summary>
    /// A key of digits, which are hexadecimal digits too; generated once and then stored in the user secrets. A deployment always generates
    /// its own: what an earlier local run has stored must not change the manifest.
    /// </summary>
    private static IResourceBuilder<ParameterResource> AddGeneratedKey(
        this IDistributedApplicationBuilder builder, string name, string variable, string description) =>
        (builder.Of(variable, "") is { Length: > 0 } given
            ? builder.AddParameter(name, given, secret: true)
            : builder.AddParameter(
                name, new GenerateParameterDefault { MinLength = 64, Lower = false, Upper = false, Special = false }, secret: true,
                persist: true))
        .WithDescription(description);
}
