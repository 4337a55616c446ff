{%- set is_one = {} -%}
{%- for column in ['unit_id', 'company', 'family', 'own_name', 'own_full_name'] -%}
{%- set hashed = account_mapping.row_hash(['companies.' ~ column]) -%}
{%- do is_one.update({column: 'min(' ~ hashed ~ ') = max(' ~ hashed ~ ')'}) -%}
{%- endfor -%}
with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

members as (

    select * from {{ ref('int_account_mapping__members') }}

),

normalized as (

    select * from {{ ref('int_account_mapping__normalized') }}

),

our_shared_keys as (

    select * from {{ ref('int_account_mapping__our_shared_keys') }}

),

their_shared_keys as (

    select * from {{ ref('int_account_mapping__their_shared_keys') }}

),

hashed_name_keys as (

    select * from {{ ref('int_account_mapping__compared_keys') }}
    where key_type in ('name_short', 'name_short_country', 'name_place')

),

partner_name_keys as (

    select * from {{ ref('int_account_mapping__key_rows') }}
    where
        side = 'partner'
        and problem is null
        and key_type in ('name_short', 'name_short_country', 'name_place')

),

-- a key that one account has names one company. Which ones, is asked of keys that several have only: they are few. Ours
-- are the same for all partners that are compared with the same accounts
our_keys_of_several as (

    select distinct
        partners.account_scope as scope,
        their_shared_keys.our_partner_id,
        their_shared_keys.key_type,
        their_shared_keys.key_value

    from their_shared_keys
    inner join partners
        on their_shared_keys.partner_id = partners.partner_id
    where their_shared_keys.our_accounts > 1

),

keys_of_several as (

    select
        'ours' as side,
        our_keys_of_several.scope,
        our_keys_of_several.our_partner_id,
        our_keys_of_several.key_type,
        our_keys_of_several.key_value,
        our_shared_keys.account_id

    from our_keys_of_several
    inner join our_shared_keys
        on
            our_keys_of_several.our_partner_id = our_shared_keys.partner_id
            and our_keys_of_several.key_type = our_shared_keys.key_type
            and our_keys_of_several.key_value = our_shared_keys.key_value

    union all

    select
        'partner' as side,
        partner_id as scope,
        our_partner_id,
        key_type,
        key_value,
        account_id

    from their_shared_keys
    where their_accounts > 1

),

sharing_accounts as (

    select distinct
        side,
        scope,
        account_id

    from keys_of_several

),

sharing_members as (

    select
        members.side,
        members.scope,
        members.account_id,
        members.unit_id

    from members
    inner join sharing_accounts
        on
            members.side = sharing_accounts.side
            and members.scope = sharing_accounts.scope
            and members.account_id = sharing_accounts.account_id

),

named_accounts as (

    select
        side,
        account_id

    from sharing_members

    union

    select
        side,
        unit_id as account_id

    from sharing_members

),

-- of accounts that are compared as hashed keys both sides know the same: which have one name, and which have it in one
-- country. Only that may tell companies apart, so that both sides, and a clean room between them, count alike
hashed_name_rows as (

    select
        'ours' as side,
        partner_id,
        account_id,
        key_type,
        token

    from hashed_name_keys

    union all

    select
        'partner' as side,
        partner_id,
        account_token as account_id,
        key_type,
        token

    from partner_name_keys

),

hashed_names as (

    select
        hashed_name_rows.side,
        hashed_name_rows.partner_id,
        hashed_name_rows.account_id,
        coalesce(
            min(case when hashed_name_rows.key_type = 'name_short' then hashed_name_rows.token end),
            min(case when hashed_name_rows.key_type = 'name_place' then hashed_name_rows.token end)
        ) as name,
        min(
            case when hashed_name_rows.key_type <> 'name_short' then hashed_name_rows.token end
        ) as name_in_country

    from hashed_name_rows
    inner join named_accounts
        on
            hashed_name_rows.side = named_accounts.side
            and hashed_name_rows.account_id = named_accounts.account_id
    group by hashed_name_rows.side, hashed_name_rows.partner_id, hashed_name_rows.account_id

),

hashed_scopes as (

    select
        'ours' as side,
        partner_id,
        account_scope as scope

    from partners
    where exchange = 'keys'

    union all

    select
        'partner' as side,
        partner_id,
        partner_id as scope

    from partners
    where exchange = 'keys'

),

-- one family, or names that begin with one word (spelling variants, branches), are one company on a domain
companies as (

    select
        sharing_members.side,
        sharing_members.scope,
        '*' as for_partner_id,
        sharing_members.account_id,
        sharing_members.unit_id,
        coalesce(split_part(own_names.name, ' ', 1), sharing_members.account_id) as own_name,
        coalesce(own_names.name_short, sharing_members.account_id) as own_full_name,
        coalesce(split_part(normalized.name, ' ', 1), sharing_members.unit_id) as company,
        coalesce(normalized.name_short, sharing_members.unit_id) as family

    from sharing_members
    left join normalized
        on
            sharing_members.side = normalized.side
            and normalized.partner_id = case when sharing_members.side = 'ours' then '*' else sharing_members.scope end
            and sharing_members.unit_id = normalized.account_id
    left join normalized as own_names
        on
            sharing_members.side = own_names.side
            and own_names.partner_id = case when sharing_members.side = 'ours' then '*' else sharing_members.scope end
            and sharing_members.account_id = own_names.account_id

    union all

    select
        sharing_members.side,
        sharing_members.scope,
        hashed_scopes.partner_id as for_partner_id,
        sharing_members.account_id,
        sharing_members.unit_id,
        coalesce(own_names.name, sharing_members.account_id) as own_name,
        coalesce(own_names.name_in_country, own_names.name, sharing_members.account_id) as own_full_name,
        coalesce(unit_names.name, sharing_members.unit_id) as company,
        coalesce(unit_names.name, sharing_members.unit_id) as family

    from sharing_members
    inner join hashed_scopes
        on
            sharing_members.side = hashed_scopes.side
            and sharing_members.scope = hashed_scopes.scope
    left join hashed_names as own_names
        on
            sharing_members.side = own_names.side
            and hashed_scopes.partner_id = own_names.partner_id
            and sharing_members.account_id = own_names.account_id
    left join hashed_names as unit_names
        on
            sharing_members.side = unit_names.side
            and hashed_scopes.partner_id = unit_names.partner_id
            and sharing_members.unit_id = unit_names.account_id

),

-- one company: one value of any of what tells companies apart. The least and the greatest hash are equal then; texts
-- would have to stay in memory. That unlike texts of one key share a hash has a chance of 1 in 2^64
final as (

    select
        keys_of_several.side,
        keys_of_several.scope,
        keys_of_several.our_partner_id,
        keys_of_several.key_type,
        keys_of_several.key_value,
        -- a key of part of a name holds for all names that begin with one word: only the whole name tells them apart
        case
            when
                (
                    keys_of_several.side = 'ours'
                    and keys_of_several.key_type in (
                        'name_core', 'name_core_country', 'name_initials_country', 'name_typo'
                    )
                )
                or (keys_of_several.our_partner_id <> '*' and keys_of_several.key_type like 'name%')
                then {{ is_one.unit_id }} or {{ is_one.own_full_name }}
            else {{ is_one.company }} or {{ is_one.unit_id }} or {{ is_one.own_name }}
        end as is_one_company,
        {{ is_one.family }} or {{ is_one.unit_id }} or {{ is_one.own_full_name }} as is_one_family

    from keys_of_several
    inner join companies
        on
            keys_of_several.side = companies.side
            and keys_of_several.scope = companies.scope
            and keys_of_several.our_partner_id = companies.for_partner_id
            and keys_of_several.account_id = companies.account_id
    group by
        keys_of_several.side,
        keys_of_several.scope,
        keys_of_several.our_partner_id,
        keys_of_several.key_type,
        keys_of_several.key_value

)

select * from final
