namespace Aspire.StackExchange.Redis;

/// <summary>Stands in for the type of the same name in the package Aspire.StackExchange.Redis.</summary>
public sealed class StackExchangeRedisSettings
{
    public string? ConnectionString { get; set; }

    public bool DisableHealthChecks { get; set; }

    /// <summary>Without effect here: the instrumentation is a preview package that this flavour leaves out.</summary>
    public bool DisableTracing { get; set; }
}
