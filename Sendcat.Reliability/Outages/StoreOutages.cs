namespace Sendcat.Reliability.Outages;

/// <summary>The outages of the stores of this process.</summary>
public sealed class StoreOutages
{
    public required StoreOutage Postgres { get; init; }

    public required StoreOutage Redis { get; init; }

    public required StoreOutage RabbitMq { get; init; }
}
