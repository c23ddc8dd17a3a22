namespace Aspire.RabbitMQ.Client;

/// <summary>Stands in for the type of the same name in the package Aspire.RabbitMQ.Client.</summary>
public sealed class RabbitMQClientSettings
{
    public string? ConnectionString { get; set; }

    /// <summary>Without effect here: nothing connects before it is needed, and then it says at once whether it could.</summary>
    public int MaxConnectRetryCount { get; set; } = 5;

    public bool DisableHealthChecks { get; set; }

    /// <summary>Without effect here: what is exported is decided for the whole process.</summary>
    public bool DisableTracing { get; set; }
}
