using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Integrations.Encryption;

public static class EncryptionFeature
{
    /// <summary>Registers the <see cref="SecretCipher"/>. A second call has no effect.</summary>
    public static IServiceCollection AddEncryption(this IServiceCollection services)
    {
        services.AddKnobs<EncryptionOptions>();
        services.TryAddSingleton<SecretCipher>();
        return services;
    }
}
