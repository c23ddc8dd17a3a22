using Sendcat.LocalRunner.State;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A default that is drawn once and stays the same from run to run. Aspire keeps it in user secrets, this runner in <c>.sendcat/parameters.json</c>.</summary>
internal sealed class PersistedParameterDefault(string name, ParameterDefault inner, ParameterFile file) : ParameterDefault
{
    public override string GetDefaultValue() => file.GetOrAdd(name, inner.GetDefaultValue);
}
