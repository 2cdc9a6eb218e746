"""Translight beside a stock Unreal Engine: Live Link out, Remote Control, the stage as nDisplay, an editor script."""
