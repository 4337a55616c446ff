with

links as (

    select * from {{ ref('int_account_mapping__links') }}
    where
        decision = 'accepted'
        and relationship = 'same'

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

accounts as (

    select * from {{ ref('int_account_mapping__accounts') }}

),

partner_accounts as (

    select * from {{ ref('int_account_mapping__partner_accounts') }}

),

offered_accounts as (

    select * from {{ ref('int_account_mapping__offered_accounts') }}

),

agreements_in_force as (

    select * from {{ ref('int_account_mapping__agreements_in_force') }}
    where
        direction = 'in'
        and sharing_level in ('overlapping', 'all')
        and ';' || shared_fields || ';' like '%;person;%'

),

account_people as (

    {{ account_mapping.people_that_count() | indent(4) }}

),

-- what the agreement lets us hash of ours, and the partner send of its own
our_tokens as (

    select
        partner_id,
        account_id,
        token

    from {{ ref('int_account_mapping__match_keys') }}
    where key_type = 'person'

),

partner_tokens as (

    select distinct
        partner_id,
        account_token,
        token

    from {{ ref('int_account_mapping__person_key_rows') }}
    where problem is null

),

role_senders as (

    select distinct partner_id from account_people
    where
        side = 'partner'
        and role is not null

),

linked_pairs as (

    select
        links.partner_id,
        links.account_id,
        links.partner_account_id,
        partners.exchange,
        partners.exchange = 'list'
        or (
            agreements_in_force.partner_id is not null
            and coalesce(offered_accounts.are_people_shared, false)
        ) as is_agreed

    from links
    inner join partners
        on links.partner_id = partners.partner_id
    inner join accounts
        on links.account_id = accounts.account_id
    inner join partner_accounts
        on
            links.partner_id = partner_accounts.partner_id
            and links.partner_account_id = partner_accounts.account_id
    left join offered_accounts
        on
            links.partner_id = offered_accounts.partner_id
            and links.account_id = offered_accounts.account_id
    left join agreements_in_force
        on
            links.partner_id = agreements_in_force.partner_id
            and accounts.status = agreements_in_force.our_status
            and partner_accounts.status = agreements_in_force.partner_status

),

-- who sent none at all is not known to know nobody; hashes at accounts for which none are agreed do not count as sent
senders as (

    select distinct partner_id from account_people
    where side = 'partner'

    union

    select distinct partner_tokens.partner_id
    from partner_tokens
    inner join linked_pairs
        on
            partner_tokens.partner_id = linked_pairs.partner_id
            and partner_tokens.account_token = linked_pairs.partner_account_id
    where linked_pairs.is_agreed

),

pairs as (

    select
        linked_pairs.partner_id,
        linked_pairs.account_id,
        linked_pairs.partner_account_id,
        linked_pairs.exchange,
        {% if not var('account_mapping__people') -%}
        'off'
        {%- else -%}
        case
            when not linked_pairs.is_agreed then 'not_agreed'
            when senders.partner_id is null then 'not_sent'
            else 'counted'
        end
        {%- endif %} as people_state

    from linked_pairs
    left join senders
        on linked_pairs.partner_id = senders.partner_id

),

-- `counted` comes first of the states in their order
shared_accounts as (

    select
        partner_id,
        account_id,
        exchange,
        min(people_state) as people_state

    from pairs
    group by partner_id, account_id, exchange

),

counted_pairs as (

    select * from pairs
    where people_state = 'counted'

),

-- a person is an address, or what it is hashed to for the partner
known as (

    select
        shared_accounts.partner_id,
        shared_accounts.account_id,
        account_people.email as person,
        1 as is_ours,
        0 as is_theirs

    from shared_accounts
    inner join account_people
        on
            account_people.side = 'ours'
            and shared_accounts.account_id = account_people.account_id
    where shared_accounts.exchange = 'list'

    union all

    select
        shared_accounts.partner_id,
        shared_accounts.account_id,
        our_tokens.token as person,
        1 as is_ours,
        0 as is_theirs

    from shared_accounts
    inner join our_tokens
        on
            shared_accounts.partner_id = our_tokens.partner_id
            and shared_accounts.account_id = our_tokens.account_id

    union all

    select
        counted_pairs.partner_id,
        counted_pairs.account_id,
        account_people.email as person,
        0 as is_ours,
        1 as is_theirs

    from counted_pairs
    inner join account_people
        on
            account_people.side = 'partner'
            and counted_pairs.partner_id = account_people.partner_id
            and counted_pairs.partner_account_id = account_people.account_id

    union all

    select
        counted_pairs.partner_id,
        counted_pairs.account_id,
        partner_tokens.token as person,
        0 as is_ours,
        1 as is_theirs

    from counted_pairs
    inner join partner_tokens
        on
            counted_pairs.partner_id = partner_tokens.partner_id
            and counted_pairs.partner_account_id = partner_tokens.account_token

),

persons as (

    select
        partner_id,
        account_id,
        person,
        max(is_ours) as is_ours,
        max(is_theirs) as is_theirs

    from known
    group by partner_id, account_id, person

),

person_counts as (

    select
        partner_id,
        account_id,
        sum(is_theirs) as partner_contacts,
        sum(is_ours * is_theirs) as shared_contacts,
        sum(is_ours * (1 - is_theirs)) as only_our_contacts,
        sum((1 - is_ours) * is_theirs) as only_partner_contacts

    from persons
    group by partner_id, account_id

),

our_counts as (

    select
        account_id,
        count(distinct email) as our_contacts

    from account_people
    where side = 'ours'
    group by account_id

),

our_roles as (

    select distinct
        account_id,
        role

    from account_people
    where
        side = 'ours'
        and role is not null

),

role_counts as (

    select
        counted_pairs.partner_id,
        counted_pairs.account_id,
        count(distinct account_people.role) as only_partner_roles

    from counted_pairs
    inner join account_people
        on
            account_people.side = 'partner'
            and counted_pairs.partner_id = account_people.partner_id
            and counted_pairs.partner_account_id = account_people.account_id
    left join our_roles
        on
            counted_pairs.account_id = our_roles.account_id
            and account_people.role = our_roles.role
    where
        account_people.role is not null
        and our_roles.role is null
    group by counted_pairs.partner_id, counted_pairs.account_id

),

final as (

    select
        shared_accounts.partner_id,
        shared_accounts.account_id,
        {{ account_mapping.partner_columns('shared_accounts') | indent(8) }},
        accounts.name as account_name,
        accounts.status as our_status,
        {{ account_mapping.spreadsheet_safe('accounts.owner') }} as our_owner,
        shared_accounts.people_state,
        {% if var('account_mapping__people') -%}
        cast(coalesce(our_counts.our_contacts, 0) as bigint) as our_contacts,
        {% else -%}
        cast(null as bigint) as our_contacts,
        {% endif -%}
        {% for column in ['partner_contacts', 'shared_contacts', 'only_our_contacts', 'only_partner_contacts'] -%}
        cast(
            case
                when shared_accounts.people_state = 'counted' then coalesce(person_counts.{{ column }}, 0)
            end as bigint
        ) as {{ column }},
        {% endfor -%}
        cast(
            case
                when shared_accounts.people_state = 'counted' and role_senders.partner_id is not null
                    then coalesce(role_counts.only_partner_roles, 0)
            end as bigint
        ) as only_partner_roles

    from shared_accounts
    inner join accounts
        on shared_accounts.account_id = accounts.account_id
    left join partners
        on shared_accounts.partner_id = partners.partner_id
    left join our_counts
        on shared_accounts.account_id = our_counts.account_id
    left join person_counts
        on
            shared_accounts.partner_id = person_counts.partner_id
            and shared_accounts.account_id = person_counts.account_id
    left join role_senders
        on shared_accounts.partner_id = role_senders.partner_id
    left join role_counts
        on
            shared_accounts.partner_id = role_counts.partner_id
            and shared_accounts.account_id = role_counts.account_id

)

select * from final
order by partner_id, account_id
