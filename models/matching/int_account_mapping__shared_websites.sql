with

key_matches as (

    select * from {{ ref('int_account_mapping__key_matches') }}
    where key_type in ('domain', 'email_domain')

),

domain_owners as (

    select * from {{ ref('int_account_mapping__domain_owners') }}

),

domain_names as (

    select * from {{ ref('int_account_mapping__domain_names') }}

),

normalized as (

    select * from {{ ref('int_account_mapping__normalized') }}

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

-- a website is a key twice, since one side's mail domain may be the other's website: the website counts
shared as (

    select
        key_matches.partner_id,
        key_matches.account_id,
        key_matches.partner_account_id,
        key_matches.key_value as domain,
        partners.exchange,
        max(case when key_matches.key_type = 'domain' then 1 else 0 end) = 1 as is_website,
        coalesce(
            max(case when key_matches.key_type = 'domain' then cast(key_matches.is_unambiguous as integer) end),
            max(cast(key_matches.is_unambiguous as integer))
        ) = 1 as is_unambiguous,
        coalesce(
            max(case when key_matches.key_type = 'domain' then cast(key_matches.is_of_one_family as integer) end),
            max(cast(key_matches.is_of_one_family as integer))
        ) = 1 as is_of_one_family

    from key_matches
    inner join partners
        on key_matches.partner_id = partners.partner_id
    group by
        key_matches.partner_id,
        key_matches.account_id,
        key_matches.partner_account_id,
        key_matches.key_value,
        partners.exchange

),

judged as (

    select
        shared.*,
        coalesce(our_names.fits, false) as our_name_fits,
        coalesce(their_names.fits, false) as partner_name_fits,
        greatest(coalesce(our_owners.n_companies, 1), coalesce(their_owners.n_companies, 1)) as unlike_names,
        case
            -- no side hashes what its own names show to be a host's
            when shared.exchange = 'keys'
                then case
                    when shared.is_unambiguous then 'company'
                    when shared.is_website then 'group'
                    else 'unknown'
                end
            when our_owners.is_portal or their_owners.is_portal then 'host'
            when shared.is_unambiguous then 'company'
            when
                shared.is_website
                and coalesce(our_owners.owner, 'company') = 'company'
                and coalesce(their_owners.owner, 'company') = 'company'
                then 'company'
            when coalesce(our_owners.n_fitting, 0) + coalesce(their_owners.n_fitting, 0) > 0 then 'group'
            when our_owners.owner = 'host' or their_owners.owner = 'host' then 'host'
            else 'unknown'
        end as owner

    from shared
    left join domain_owners as our_owners
        on
            our_owners.side = 'ours'
            and shared.domain = our_owners.key_domain
    left join domain_owners as their_owners
        on
            their_owners.side = 'partner'
            and shared.partner_id = their_owners.partner_id
            and shared.domain = their_owners.key_domain
    left join normalized as our_normalized
        on
            our_normalized.side = 'ours'
            and shared.account_id = our_normalized.account_id
    left join normalized as their_normalized
        on
            their_normalized.side = 'partner'
            and shared.partner_id = their_normalized.partner_id
            and shared.partner_account_id = their_normalized.account_id
    left join domain_names as our_names
        on
            our_names.side = 'ours'
            and shared.domain = our_names.key_domain
            and our_normalized.name = our_names.name
    left join domain_names as their_names
        on
            their_names.side = 'partner'
            and shared.partner_id = their_names.partner_id
            and shared.domain = their_names.key_domain
            and their_normalized.name = their_names.name

),

ranked as (

    select
        *,
        row_number() over (
            partition by partner_id, account_id, partner_account_id
            order by
                case owner when 'company' then 1 when 'group' then 2 when 'unknown' then 3 else 4 end,
                case when is_website then 0 else 1 end,
                domain
        ) as preference

    from judged

),

final as (

    select
        partner_id,
        account_id,
        partner_account_id,
        domain,
        is_website,
        owner,
        case
            when owner = 'host' then cast(unlike_names as {{ dbt.type_string() }}) || ' unlike names use it'
            when owner = 'group' and exchange = 'list' then 'which several companies use, one of them named like it'
            when owner = 'group' then 'which several companies use'
            when owner = 'unknown' then 'which several companies use'
        end as owner_reason,
        is_of_one_family,
        our_name_fits,
        partner_name_fits

    from ranked
    where preference = 1

)

select * from final
