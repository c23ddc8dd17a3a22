using System.Globalization;
using Microsoft.Extensions.DependencyInjection;

namespace Sendcat.AppHost;

/// <summary>
/// Redis, Postgres and RabbitMQ as child processes, from the system's own packages: they listen on loopback only, share one generated
/// password, and store data under <c>.sendcat/</c>.
/// Each script in <c>stores/</c> replaces itself with the server (<c>exec</c>), so the process id of the resource is that of the server.
/// </summary>
internal static class LocalStores
{
    public static Stores AddLocalStores(this IDistributedApplicationBuilder builder, LocalPorts ports)
    {
        var password = builder.AddParameter(
            "store-password", new GenerateParameterDefault { MinLength = 24, Special = false }, secret: true, persist: true)
            .WithDescription("Password of the local Redis, Postgres and RabbitMQ; generated once.");

        var redis = builder.AddServer("redis", ports.Redis, password, StoreProbe.Redis);
        var postgres = builder.AddServer("postgres", ports.Postgres, password, StoreProbe.Postgres);
        var rabbit = builder.AddServer("rabbitmq", ports.RabbitMq, password, StoreProbe.RabbitMq)
            .WithEnvironment("STORE_DIST_PORT", Text(ports.RabbitMqDistribution))
            .WithEnvironment("STORE_EPMD_PORT", Text(ports.RabbitMqPortMapper));

        return new(
            builder.AddConnectionString("redis", ReferenceExpression.Create($"127.0.0.1:{Port(redis)},password={password}"))
                .WithDescription("Redis: short-lived data that may be lost").ParentOf(redis),
            builder.AddConnectionString(
                "sendcatdb",
                ReferenceExpression.Create($"Host=127.0.0.1;Port={Port(postgres)};Username=sendcat;Password={password};Database=sendcatdb"))
                .WithDescription("Postgres: data that must not be lost").ParentOf(postgres),
            builder.AddConnectionString("messaging", ReferenceExpression.Create($"amqp://sendcat:{password}@127.0.0.1:{Port(rabbit)}"))
                .WithDescription("RabbitMQ: jobs for the tool workers").ParentOf(rabbit),
            [redis, postgres, rabbit]);
    }

    private static IResourceBuilder<ExecutableResource> AddServer(
        this IDistributedApplicationBuilder builder, string store, int port, IResourceBuilder<ParameterResource> password, StoreProbe probe)
    {
        var key = $"{store}-answers";
        builder.Services.AddHealthChecks().AddCheck(key, new StoreHealth(port, probe));
        return builder.AddExecutable($"{store}-server", "sh", ".", $"stores/{store}.sh")
            .WithEndpoint(port: port, targetPort: port, scheme: "tcp", name: "tcp", isProxied: false)
            .WithEnvironment("STORE_FOLDER", LocalState.Of(builder).File(store))
            .WithEnvironment("STORE_PORT", Text(port))
            .WithEnvironment("STORE_PASSWORD", password)
            .WithHealthCheck(key)
            .WithRestartOnExit()
            .WithIconName("Database")
            .ExcludeFromManifest();
    }

    /// <summary>Makes the dashboard show the server below the connection string that services refer to.</summary>
    private static IResourceBuilder<ConnectionStringResource> ParentOf(
        this IResourceBuilder<ConnectionStringResource> store, IResourceBuilder<ExecutableResource> server)
    {
        server.WithParentRelationship(store);
        return store;
    }

    private static EndpointReferenceExpression Port(IResourceBuilder<ExecutableResource> server) =>
        server.GetEndpoint("tcp").Property(EndpointProperty.Port);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
