"""The parts of an archive on this machine: which were asked for, and how each is run. It starts none."""

import os
from dataclasses import dataclass

from client.app import AZURE_STORE, FOLDER, App
from client.azurite import Azurite
from client.child import Program
from client.images import BucketOfImages, ContainerOfImages, Images
from client.noida import NoidaDb
from client.pseudonym_secret import VARIABLE, pseudonym_secret
from client.seaweedfs import SeaweedFs

_APP_GRACE_SECONDS = 6
_AZURITE_GRACE_SECONDS = 3
_SEAWEEDFS_GRACE_SECONDS = 5
_NOIDA_GRACE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for."""

    app: App
    azurite: Azurite
    samples: bool
    seaweedfs: SeaweedFs | None = None
    """The store of the objects; without it, that is Azurite."""
    noida: NoidaDb | None = None
    """What stands in for Elasticsearch; without it the app searches its tables."""

    @property
    def ports(self) -> list[tuple[str, int]]:
        """The ports that are needed, each after the variable that changes it."""
        return [
            ("PORT", self.app.port),
            *(("AZURITE_PORT", port) for port in self.azurite.ports),
            *(("S3_PORT", port) for port in (self.seaweedfs.ports if self.seaweedfs else ())),
            *((("SEARCH_PORT", self.noida.port),) if self.noida else ()),
        ]

    @property
    def images(self) -> Images:
        """Where samples are dropped."""
        if self.seaweedfs:
            return BucketOfImages(self.seaweedfs)
        return ContainerOfImages(self.azurite.connection_string)


def seaweedfs_program(options: Options, seaweedfs: SeaweedFs) -> Program:
    """Say how SeaweedFS is run."""
    storage = options.app.data_folder / "seaweedfs"
    storage.mkdir(exist_ok=True)
    return Program(
        name="SeaweedFS",
        command=seaweedfs.command(storage),
        environment=seaweedfs.environment(os.environ),
        folder=storage,
        log=options.app.data_folder / "seaweedfs.log",
        grace_seconds=_SEAWEEDFS_GRACE_SECONDS,
    )


def azurite_program(options: Options) -> Program:
    """Say how Azurite is run."""
    storage = options.app.data_folder / "azurite"
    storage.mkdir(exist_ok=True)
    return Program(
        name="Azurite",
        command=options.azurite.command(storage),
        environment=os.environ,
        folder=storage,
        log=options.app.data_folder / "azurite.log",
        grace_seconds=_AZURITE_GRACE_SECONDS,
    )


def noida_program(options: Options, noida: NoidaDb) -> Program:
    """Say how noida-db is run."""
    storage = options.app.data_folder / "noida"
    storage.mkdir(exist_ok=True)
    return Program(
        name="noida-db",
        command=noida.command(storage),
        environment=os.environ,
        folder=storage,
        log=options.app.data_folder / "noida.log",
        grace_seconds=_NOIDA_GRACE_SECONDS,
    )


def app_program(options: Options) -> Program:
    """Say how the app is run."""
    return Program(
        name="the app",
        command=options.app.command(),
        environment=options.app.environment(
            {VARIABLE: pseudonym_secret(options.app.data_folder), **os.environ},
            options.azurite.connection_string,
            {
                **(options.seaweedfs.settings() if options.seaweedfs else AZURE_STORE),
                **(options.noida.settings() if options.noida else {}),
            },
        ),
        folder=FOLDER,
        log=options.app.data_folder / "app.log",
        grace_seconds=_APP_GRACE_SECONDS,
    )
