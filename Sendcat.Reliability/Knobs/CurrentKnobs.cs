using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Sendcat.Reliability.Knobs;

/// <summary>
/// The present values of the knobs, for records that name the knobs they depend on (a lane, a provider). Such a record is a constant, and
/// reads its knobs through this class whenever it needs them.
/// </summary>
public sealed class CurrentKnobs(IServiceProvider services)
{
    /// <summary>The present values of an options class.</summary>
    /// <exception cref="OptionsValidationException">The class has further rules, and the present values violate them.</exception>
    public TOptions Of<TOptions>()
        where TOptions : class => services.GetRequiredService<IOptionsMonitor<TOptions>>().CurrentValue;
}
