using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Sendcat.Integrations.Encryption;
using Sendcat.Integrations.Google;
using Sendcat.Reliability;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Integrations.Gmail;

public static class GmailFeature
{
    /// <summary>
    /// Adds guarded calls to Gmail and to Google's OAuth endpoints. Requires the guards of <see cref="ReliabilityFeature.AddReliability"/>.
    /// </summary>
    public static IServiceCollection AddGmailClient(this IServiceCollection services)
    {
        services.AddGoogle().AddEncryption().AddKnobs<GmailOptions>();
        services.TryAddSingleton<GmailClient>();
        services.TryAddSingleton<GmailConsents>();
        return services;
    }
}
