using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Sendcat.Reliability.Knobs;

public static class KnobsFeature
{
    /// <summary>
    /// Registers an options class whose properties have the <c>[Knob]</c> attribute. <see cref="IOptionsMonitor{TOptions}"/> provides the
    /// values and reflects changes of the configuration and of the overrides. A second call for the same class has no effect.
    /// </summary>
    public static IServiceCollection AddKnobs<TOptions>(this IServiceCollection services)
        where TOptions : class, new()
    {
        services.TryAddSingleton<KnobOverrides>();
        services.TryAddSingleton<KnobValues>();
        services.TryAddSingleton<CurrentKnobs>();
        services.TryAddSingleton(
            provider => new KnobRegistry(provider.GetServices<KnobClass>(), provider.GetRequiredService<KnobValues>()));
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

    /// <summary>
    /// Reads the values before the services exist, for what is fixed at start. Overrides of operators are not known yet.
    /// </summary>
    public static TOptions ReadAtStart<TOptions>(IConfiguration configuration)
        where TOptions : class, new()
    {
        var options = new TOptions();
        new KnobValues(configuration, new KnobOverrides()).Fill(options, new KnobClass(typeof(TOptions)).Knobs);
        return options;
    }

    private sealed class OverrideChanges<TOptions>(KnobOverrides overrides) : IOptionsChangeTokenSource<TOptions>
    {
        public string Name => Options.DefaultName;

        public IChangeToken GetChangeToken() => overrides.Changes();
    }
}
