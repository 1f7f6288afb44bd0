"""Random spec files through `aipc fmt`: never refused, never changed in meaning (the program proves that itself), and what comes out
is left alone by a second run. Usage: fmt_random.py FIRST-SEED LAST-SEED"""
import random,subprocess,sys
def sp(r): return ' '*r.choice([1,1,1,2,5])
def expr(r,d=0):
    k=r.randrange(14) if d<3 else r.randrange(4)
    s=lambda: r.choice(['',' ','  '])
    if k==0: return r.choice(['var.a','local.b-c','each.key','x.y[0]','a.0.b'])
    if k==1: return str(r.randrange(100))+r.choice(['','.5','e3'])
    if k==2: return r.choice(['true','null','-1','!var.x','"s"','"a${ 1+ 1 }b"','"q\\"x"','"%{if a}b%{ endif }"'])
    if k==3: return r.choice(['var.l[*].x','var.l.*.x'])
    if k<7: return expr(r,d+1)+s()+r.choice(['+','*','/','==','!=','<=','>','&&','||','%'])+s()+expr(r,d+1)
    if k==7: return expr(r,d+1)+' -'+s()+expr(r,d+1)
    if k==8: return 'f('+s()+expr(r,d+1)+s()+','+s()+expr(r,d+1)+r.choice(['','...'])+s()+')'
    if k==9: return '['+s()+expr(r,d+1)+s()+','+expr(r,d+1)+s()+']'
    if k==10: return '{'+s()+'k'+s()+'='+s()+expr(r,d+1)+s()+'}'
    if k==11: return '(' +expr(r,d+1)+s()+'?'+s()+expr(r,d+1)+s()+':'+s()+expr(r,d+1)+')'
    if k==12: return '[for '+'k'+s()+','+s()+'v in '+expr(r,d+1)+s()+': '+expr(r,d+1)+' if '+expr(r,d+1)+']'
    return '{for k, v in '+expr(r,d+1)+' :'+s()+'k'+s()+'=>'+s()+expr(r,d+1)+r.choice(['','...'])+'}'
def com(r): return r.choice(['','','','',' # c%d'%r.randrange(99),'   #c\t x  '])
def scalar(r,flow=False):
    k=r.randrange(9)
    if k==0: return r.choice(['abc','1','true','~','no','1e3','x y','a#b','http://x'])
    if k==1: return "'"+r.choice(['x','it''s'.replace("'","''"),'a "b"','\\n',''])+"'"
    if k==2: return '"'+r.choice(['x','a\\tb','q\\"r','\\u00e9','','é日本'])+'"'
    if k==3: return "'${"+expr(r)+"}'"
    if k==4: return '"${'+expr(r).replace('\\','\\\\').replace('"','\\"')+'}"'
    if k==5: return '"pre ${~ '+expr(r).replace('\\','\\\\').replace('"','\\"')+' ~} post"'
    if k==6: return r.choice(['&a1 v','!!str 5'])
    if k==7: return "'a $${ 1+1 } %{ if x }y%{else}z%{ endif ~}'"
    return 'plain%d'%r.randrange(50)
def flow(r,d,ind):
    nl=lambda: r.choice(['','','',' ','\n'+' '*(ind+r.randrange(1,6)), ' # fc\n'+' '*(ind+2)])
    if d>2 or r.random()<.4: return scalar(r,True)
    if r.random()<.5:
        return '['+nl()+','.join(nl()+flow(r,d+1,ind)+nl() for _ in range(r.randrange(0,4)))+nl()+']'
    return '{'+nl()+','.join(nl()+'k%d'%i+r.choice([': ',':  ',' : '])+flow(r,d+1,ind)+nl() for i in range(r.randrange(0,4)))+nl()+'}'
def gaps(r,ind):
    o=''
    for _ in range(r.choice([0,0,0,1,2])):
        o+=r.choice(['\n','   \n','\n\n',' '*r.randrange(0,ind+3)+'# own %d\n'%r.randrange(99)])
    return o
def block(r,ind,d):
    """returns lines text for a block node at indentation ind, starting at line start"""
    o=''
    if r.random()<.65:
        for i in range(r.randrange(1,5)):
            o+=gaps(r,ind)+' '*ind+r.choice(['k%d'%i,'"k%d"'%i,"'${ var.k%d }'"%i])+r.choice([':',':',' :'])+value(r,ind,d,True)
    else:
        for i in range(r.randrange(1,4)):
            o+=gaps(r,ind)+' '*ind+'-'+value(r,ind,d,False)
    return o
def value(r,ind,d,inmap):
    k=r.randrange(10)
    if k<4 or d>4: return sp(r)+scalar(r)+com(r)+'\n'
    if k==4: return sp(r)+flow(r,0,ind)+com(r)+'\n'
    if k==5:
        n=r.randrange(1,5); dig=r.random()<.3
        h=r.choice('|>')+(str(n) if dig else '')+r.choice(['','-','+'])
        pad=' '*(ind+n); ls=''
        ls+=r.choice(['','\n','\n\n'])
        ls+=pad+(r.choice(['',' ','  ']) if dig else '')+'first ${'+expr(r)+'}\n'
        for _ in range(r.randrange(4)): ls+=r.choice(['\n',pad+'line  \n',pad+'   more # no comment\n',pad+'%{ if a  }x%{ endif }\n'])
        ls+=r.choice(['','\n','\n\n'])
        return ' '+h+r.choice(['','  # hc'])+'\n'+ls
    if k==6:
        q=r.choice(['"',"'",''])
        return ' '+q+'multi\n'+' '*(ind+r.randrange(1,4))+'line  ${ 1+1 }\n\n'+' '*(ind+2)+'end'+q+com(r)+'\n'
    pre=r.choice(['','','',' &anc%d'%r.randrange(9)])+com(r)+'\n'
    if inmap and r.random()<.3:
        o=pre
        for i in range(r.randrange(1,3)): o+=gaps(r,ind)+' '*ind+'-'+value(r,ind,d+1,False)
        return o
    if not inmap and r.random()<.5:
        w=r.randrange(1,4); n=ind+1+w
        b=block(r,n,d+1).lstrip('\n')
        # first line joined to the dash when it is no comment
        first=b.lstrip(' \n')
        if not first.startswith('#') and b.startswith(' '*n) : return ' '*w+b[n:]
        return pre+b
    return pre+block(r,ind+r.randrange(1,5),d+1)

def run(text):
    p = subprocess.run(['aipc', 'fmt', '-'], input=text, capture_output=True)
    return p.returncode, p.stdout, p.stderr.decode()


def document(r):
    t = r.choice(['', '', '---\n', '# top\n\n\n', '%YAML 1.2\n---\n']) + block(r, 0, 0) + gaps(r, 0)
    if r.random() < .2:
        t = t.rstrip('\n')
    if r.random() < .2:
        t = t.replace('\n', '\r\n')
    return t.encode()


bad = 0
for seed in range(int(sys.argv[1]), int(sys.argv[2])):
    text = document(random.Random(seed))
    rc, once, err = run(text)
    rc2, twice, err2 = run(once)
    if rc or rc2 or once != twice:
        bad += 1
        print('seed %d: %s\n%s' % (seed, err or err2 or 'a second run changes it again', text.decode()))
sys.exit(1 if bad else 0)
