using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Sendcat.Reliability;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Outbound;

namespace Sendcat.Integrations.Google;

public static class GoogleFeature
{
    /// <summary>Adds guarded calls to Google's OAuth endpoints. Requires the guards of <see cref="ReliabilityFeature.AddReliability"/>.</summary>
    public static IServiceCollection AddGoogle(this IServiceCollection services)
    {
        services.AddOutbound().AddKnobs<GoogleOptions>();
        services.TryAddSingleton<GoogleOAuthClient>();
        services.TryAddSingleton<GoogleKeys>();
        services.TryAddSingleton<GoogleIdTokens>();
        return services;
    }
}
