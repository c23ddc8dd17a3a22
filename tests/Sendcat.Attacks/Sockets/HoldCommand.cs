using System.CommandLine;

namespace Sendcat.Attacks.Sockets;

/// <summary>
/// <c>hold</c>: one client process. <see cref="SocketsCommand"/> starts several, because a process may have about 20 000 file descriptors.
/// </summary>
internal static class HoldCommand
{
    public const string Ready = "holding";

    public static Command Create()
    {
        var (kind, target, net, count) = (
            new Argument<HoldKind>("kind"), new Option<string>("--target") { Required = true },
            new Option<byte>("--net") { Required = true, Description = "The second byte of the source addresses." },
            new Option<int>("--count") { Required = true });
        var command = new Command(
            "hold", "Holds connections until a line or the end of the input is read. Other commands start it.") { kind, target, net,
            count };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var holder = new SocketHolder(
                parsed.GetValue(kind), new Uri(parsed.GetValue(target)!), parsed.GetValue(net), parsed.GetValue(count));
            await holder.OpenAsync(cancellationToken);
            Console.WriteLine($"{Ready} {holder.Opened}, refused {holder.Refused}");
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var holding = holder.HoldAsync(stop.Token);
            await Console.In.ReadLineAsync(cancellationToken);
            await stop.CancelAsync();
            await holding;
            Console.WriteLine($"closed {holder.Closed}");
            return 0;
        });
        return command;
    }
}
