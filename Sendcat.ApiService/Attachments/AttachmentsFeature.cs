using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.AccountChanges;
using Sendcat.Integrations.Files;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Attachments;

internal static class AttachmentsFeature
{
    public static IServiceCollection AddAttachments(this IServiceCollection services)
    {
        services.AddFiles().AddKnobs<AttachmentOptions>();
        services.AddSingleton<OwnedAttachments>();
        services.AddSingleton<Uploads>();
        services.AddHostedService<AttachmentSweeper>();
        services.AddSingleton(AccountContent.RowsOf("attachments"));
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Insert(0, AttachmentJson.Default));
        return services;
    }

    /// <exception cref="InvalidOperationException">The file store is configured incompletely.</exception>
    public static void MapAttachments(this WebApplication app)
    {
        _ = app.Services.GetRequiredService<IFileStore>();
        FunctionErrors.Group(app).MapAttachmentEndpoints();
    }
}
