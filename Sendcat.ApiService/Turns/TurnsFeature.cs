namespace Sendcat.ApiService.Turns;

/// <summary>Registers the reads of turns for operators.</summary>
internal static class TurnsFeature
{
    public static IServiceCollection AddTurns(this IServiceCollection services) =>
        services.AddSingleton<TurnStore>().AddSingleton<TurnOps>();

    public static void MapTurns(this RouteGroupBuilder ops) => TurnOps.Map(ops);
}
