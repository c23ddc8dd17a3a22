using Sendcat.TestKit.Stores;

[assembly: AssemblyFixture(typeof(SharedStores))]
