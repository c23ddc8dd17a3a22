using Sendcat.AppHost;

namespace Sendcat.EndToEndTests;

/// <summary>
/// Chooses free ports for the system of a test. They are above the default ports of a local run and below the ports of the servers of
/// Sendcat.TestKit (<see cref="FreePort"/>).
/// </summary>
internal static class FreePorts
{
    private const int First = 10_200;
    private const int Count = 48;

    public static LocalPorts Choose()
    {
        var candidates = Enumerable.Range(0, Count).Select(block => new LocalPorts(First + (block * LocalPorts.Block))).ToArray();
        Random.Shared.Shuffle(candidates);
        return candidates.First(ports => ports.Problem() is null && ports.Taken() is []);
    }
}
