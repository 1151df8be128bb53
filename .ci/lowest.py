"""Print pip's constraints for the lowest versions that setup.cfg allows."""

import configparser

config = configparser.ConfigParser()
config.read("setup.cfg")
requirements = config["options"]["install_requires"] + config["options.extras_require"]["test"]
for requirement in sorted(set(requirements.split())):
    name, version = requirement.split(">=")
    print(f"{name.partition('[')[0]}=={version}")
