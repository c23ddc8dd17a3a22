using System.CommandLine;
using Sendcat.Attacks.Attacks;
using Sendcat.Attacks.Fuzz;
using Sendcat.Attacks.Sockets;

namespace Sendcat.Attacks;

/// <summary><c>dotnet run -c Release --project tests/Sendcat.Attacks -- list|attack|fuzz|idle|slow-headers|slow-bodies|never-readers --help</c>; docs/security.md tells what each is about.</summary>
internal static class AttacksProgram
{
    private static Task<int> Main(string[] args)
    {
        var root = new RootCommand("Attacks a Sendcat of its own, beside honest users. Starts everything itself, on this machine, and touches nothing else.")
        {
            List(),
            AttackCommand.Create(),
            FuzzCommand.Create(),
            HoldCommand.Create(),
        };
        foreach (var command in SocketsCommand.All())
        {
            root.Add(command);
        }

        return root.Parse(args).InvokeAsync();
    }

    private static Command List()
    {
        var command = new Command("list", "The attacks and their numbers.");
        command.SetAction(_ =>
        {
            foreach (var attack in AttackList.All)
            {
                Console.WriteLine($"{attack.Number,3}  {attack.Title}");
            }
        });
        return command;
    }
}
