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

    select
        *,
        {{ account_mapping.tells_persons() | indent(8) }} as are_persons_agreed

    from {{ ref('int_account_mapping__agreements_in_force') }}
    where
        direction = 'in'
        and sharing_level in ('overlapping', 'all')
        and ';' || shared_fields || ';' like '%;person;%'

),

account_people as (

    {{ account_mapping.people_that_count() | indent(4) }}

),

person_key_rows as (

    select * from {{ ref('int_account_mapping__person_key_rows') }}
    where problem is null

),

linked_pairs as (

    select
        links.partner_id,
        links.account_id,
        links.partner_account_id,
        partners.exchange,
        coalesce(agreements_in_force.are_persons_agreed, false) as are_persons_agreed,
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

    select distinct person_key_rows.partner_id
    from person_key_rows
    inner join linked_pairs
        on
            person_key_rows.partner_id = linked_pairs.partner_id
            and person_key_rows.account_token = linked_pairs.partner_account_id
    where linked_pairs.is_agreed

),

pairs as (

    select
        linked_pairs.partner_id,
        linked_pairs.account_id,
        linked_pairs.partner_account_id,
        linked_pairs.exchange,
        linked_pairs.are_persons_agreed,
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

final as (

    select
        partner_id,
        account_id,
        partner_account_id,
        exchange,
        people_state,
        people_state = 'counted'
        and are_persons_agreed as are_persons_told

    from pairs

)

select * from final
