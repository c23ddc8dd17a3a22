using System.Collections.Frozen;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Sendcat.Reliability.Knobs;

/// <summary>
/// The present values of the knobs, for records that name the knobs they depend on (a lane, a provider). Such a record is a constant, and
/// reads its knobs through this class whenever it needs them.
/// </summary>
public sealed class CurrentKnobs(IServiceProvider services)
{
    private readonly FrozenSet<Type> _registered = services.GetServices<KnobClass>().Select(known => known.Options).ToFrozenSet();

    /// <summary>The present values of an options class.</summary>
    /// <exception cref="InvalidOperationException">
    /// The class is not registered with <c>AddKnobs</c>, so its knobs would have no effect.
    /// </exception>
    /// <exception cref="OptionsValidationException">The class has further rules, and the present values violate them.</exception>
    public TOptions Of<TOptions>()
        where TOptions : class =>
        _registered.Contains(typeof(TOptions))
            ? services.GetRequiredService<IOptionsMonitor<TOptions>>().CurrentValue
            : throw new InvalidOperationException($"The knobs of {typeof(TOptions).Name} are not registered.");
}
