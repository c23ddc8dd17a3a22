using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Sendcat.Integrations.Signing;

public static class SigningFeature
{
    /// <summary>
    /// Registers the <see cref="SigningKey"/>, which is loaded when it is first requested, and the <see cref="LinkSigner"/>. A second call
    /// has no effect.
    /// </summary>
    public static IServiceCollection AddSigning(this IServiceCollection services)
    {
        services.TryAddSingleton(
            provider => SigningKey.Load(provider.GetRequiredService<IConfiguration>(), provider.GetRequiredService<IHostEnvironment>()));
        services.TryAddSingleton<LinkSigner>();
        return services;
    }
}
