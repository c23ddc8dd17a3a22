using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Sendcat.Reliability.Knobs;

public static class KnobServices
{
    /// <summary>
    /// Registers an options class whose properties carry <c>[Knob]</c>. It is read through <see cref="IOptionsMonitor{TOptions}"/> and follows changes of the
    /// configuration and of run-time overrides. May be called more than once for a class.
    /// </summary>
    public static IServiceCollection AddKnobs<TOptions>(this IServiceCollection services)
        where TOptions : class, new()
    {
        services.TryAddSingleton<KnobOverrides>();
        services.TryAddSingleton<KnobValues>();
        services.TryAddSingleton(provider => new KnobRegistry(provider.GetServices<KnobClass>(), provider.GetRequiredService<KnobValues>()));
        if (services.Any(service => service.ImplementationInstance is KnobClass known && known.Options == typeof(TOptions)))
        {
            return services;
        }

        if (!services.Any(service => service.ImplementationInstance is KnobClass))
        {
            services.AddHostedService<KnobCheck>();
        }

        var knobs = new KnobClass(typeof(TOptions));
        services.AddSingleton(knobs);
        services.AddOptions<TOptions>().Configure<KnobValues>((options, values) => values.Fill(options, knobs.Knobs));
        services.AddSingleton<IOptionsChangeTokenSource<TOptions>>(provider =>
            new ConfigurationChangeTokenSource<TOptions>(Options.DefaultName, provider.GetRequiredService<IConfiguration>()));
        services.AddSingleton<IOptionsChangeTokenSource<TOptions>, OverrideChanges<TOptions>>();
        return services;
    }

    private sealed class OverrideChanges<TOptions>(KnobOverrides overrides) : IOptionsChangeTokenSource<TOptions>
    {
        public string Name => Options.DefaultName;

        public IChangeToken GetChangeToken() => overrides.Changes();
    }
}
