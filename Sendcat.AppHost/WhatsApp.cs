namespace Sendcat.AppHost;

/// <summary>WhatsApp, as parameters. In a local run a value can also come from the environment variable that the services read.</summary>
internal static class WhatsApp
{
    /// <summary>Our phone number: the API ignores deliveries to others, and the worker replies from it.</summary>
    public static IResourceBuilder<ProjectResource> WithWhatsAppNumber(
        this IResourceBuilder<ProjectResource> service) => service.WithSettings(
    [
        service.ApplicationBuilder.Setting("whatsapp-phone-number-id", "WHATSAPP_PHONE_NUMBER_ID", "", "Id of our phone number at Meta."),
        service.ApplicationBuilder.Setting(
            "whatsapp-number", "WHATSAPP_NUMBER", "", "Our phone number as users write to it, shown beside linking codes."),
    ]);

    public static IResourceBuilder<ProjectResource> WithWhatsAppReplies(
        this IResourceBuilder<ProjectResource> service) => service.WithSettings(
    [
        service.ApplicationBuilder.Setting("whatsapp-graph-version", "WHATSAPP_GRAPH_VERSION", "v25.0", "Version of the Graph API."),
        service.ApplicationBuilder.Setting(
            "whatsapp-reply-field", "WHATSAPP_REPLY_FIELD", "to",
            "to or recipient: the field that names a recipient without a phone number."),
        service.ApplicationBuilder.Setting(
            "message-lane-runmax", "MESSAGE_LANE_RUNMAX", "2", "Messages that are read or sent at the same time, over all workers."),
    ]);

    /// <summary>The parameter of this name, which several services may read.</summary>
    private static (string Variable, IResourceBuilder<ParameterResource> Value) Setting(
        this IDistributedApplicationBuilder builder, string name, string variable, string @default, string description) => (
        variable,
        builder.Resources.OfType<ParameterResource>().FirstOrDefault(parameter => parameter.Name == name) is { } known
            ? builder.CreateResourceBuilder(known)
            : builder.AddSetting(name, builder.Of(variable, @default), description));
}
