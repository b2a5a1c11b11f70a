"""How should the cluster be, who may read what there, and what is to be done about the difference?"""
